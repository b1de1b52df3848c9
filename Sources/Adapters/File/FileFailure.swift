import BridgeCore
import Glibc

/// What a system call on a file answered.
struct FileFailure: Error, CustomStringConvertible {
    let what: String
    /// `errno`.
    let number: Int32

    /// - Parameter what: what cannot be done, such as `the file x cannot be opened`.
    init(_ what: String, number: Int32 = errno) {
        self.what = what
        self.number = number
    }

    /// The process or the system lacks a descriptor or memory: the file itself may be as good as ever.
    var isOfProcess: Bool { [EMFILE, ENFILE, ENOMEM].contains(self.number) }

    var description: String { "\(self.what): \(String(cString: strerror(self.number)))" }

    /// As the engine wants it: the disk may have room again, the file may come back, so trying again can help.
    var componentError: ComponentError { ComponentError(.inputOutput, self.description) }

    /// Of opening a path, with the reason that a person looks for first.
    static func opening(_ path: String, number: Int32 = errno) -> FileFailure {
        guard number == ENOENT else { return FileFailure("the file \(path) cannot be opened", number: number) }
        let directory = self.directory(of: path)
        var status = stat()
        let reason = stat(directory, &status) == 0 ? "the file \(path) is not there" : "the directory \(directory) is not there"
        return FileFailure(reason, number: number)
    }

    /// The directory that a path lies in.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
