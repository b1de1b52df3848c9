import BridgeCore
import Glibc

/// A failed system call on a file.
struct FileFailure: Error, CustomStringConvertible {
    let what: String
    /// The error number; 0 when no system call failed.
    let number: Int32

    /// - Parameter what: the failure in words, such as `the file x cannot be opened`.
    init(_ what: String, number: Int32 = errno) {
        self.what = what
        self.number = number
    }

    /// Whether the process or the system lacks descriptors or memory, independently of the file.
    var isOfProcess: Bool { [EMFILE, ENFILE, ENOMEM].contains(self.number) }

    var description: String {
        self.number == 0 ? self.what : "\(self.what): \(String(cString: strerror(self.number)))"
    }

    /// The error for the engine; retryable, because the disk may get space and the file may reappear.
    var componentError: ComponentError { ComponentError(.inputOutput, self.description) }

    /// The failure to open a path; for a missing file it names the missing part of the path.
    static func opening(_ path: String, number: Int32 = errno) -> FileFailure {
        guard number == ENOENT else { return FileFailure("the file \(path) cannot be opened", number: number) }
        let directory = self.directory(of: path)
        var status = stat()
        let reason =
            stat(directory, &status) == 0 ? "the file \(path) does not exist" : "the directory \(directory) does not exist"
        return FileFailure(reason, number: number)
    }

    /// The directory of a path.
    static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
