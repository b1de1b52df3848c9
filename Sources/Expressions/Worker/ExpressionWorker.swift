import CSandbox
import Glibc
import NIOCore

/// The process that evaluates expressions.
///
/// The program starts itself as a worker, see ``JQWorkerPool``: descriptor 0 is a socket to it, descriptor 1 a shared
/// page of memory. Everything that an expression does is confined to this process: it has no other descriptor, no
/// environment, limits on memory and time, and where the system offers seccomp no system calls but those of memory and
/// time.
package enum ExpressionWorker {
    /// The program's first argument; the second is the memory limit in bytes.
    package static let argument = "expression-worker"

    /// Whether the program was started to be a worker.
    package static var isWanted: Bool { CommandLine.arguments.dropFirst().first == Self.argument }

    /// Serves until the program closes the socket.
    package static func run() -> Never {
        var page: OpaquePointer?
        let limit = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) }
        guard let limit, limit > 0, csandbox_enter(&page) == 0 else {
            let text = "\(Self.argument) is started by the program itself\n"
            _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
            exit(EX_USAGE)
        }
        csandbox_allow_memory(limit)
        let refused = csandbox_confine()
        var session = Session(memoryLimit: limit)
        session.send(WorkerFrame.make { $0.writeInteger(refused, endianness: .little) })
        session.serve()
    }

    /// The state of a worker.
    private struct Session {
        private let memoryLimit: Int
        private var programs: [UInt32: JQProgram] = [:]
        private var received = ByteBuffer()

        init(memoryLimit: Int) {
            self.memoryLimit = memoryLimit
        }

        mutating func serve() -> Never {
            while true {
                var frame = self.receive()
                guard let byte: UInt8 = frame.readInteger(), let kind = WorkerFrame.Kind(rawValue: byte) else {
                    exit(EX_SOFTWARE)
                }
                switch kind {
                case .compile: self.compile(&frame)
                case .forget:
                    guard let number: UInt32 = frame.readInteger(endianness: .little) else { exit(EX_SOFTWARE) }
                    self.programs[number] = nil
                case .evaluate: self.evaluate(&frame)
                }
            }
        }

        private mutating func compile(_ frame: inout ByteBuffer) {
            guard let number: UInt32 = frame.readInteger(endianness: .little), let variables: UInt8 = frame.readInteger(),
                let limit: UInt32 = frame.readInteger(endianness: .little)
            else { exit(EX_SOFTWARE) }
            var complaints: [String] = []
            csandbox_begin(1, limit)
            self.programs[number] = JQProgram(
                String(buffer: frame), variables: JQVariables(rawValue: variables), complaints: &complaints)
            csandbox_end()
            // Each program takes memory of its own.
            csandbox_allow_memory(self.memoryLimit)
            let isDone = self.programs[number] != nil
            self.send(
                WorkerFrame.make { answer in
                    answer.writeInteger(UInt8(isDone ? 1 : 0))
                    for complaint in complaints { answer.writeField(complaint) }
                })
        }

        private mutating func evaluate(_ frame: inout ByteBuffer) {
            guard let (limit, total) = frame.readMultipleIntegers(endianness: .little, as: (UInt32, UInt32).self),
                let variables: UInt8 = frame.readInteger(), let count: UInt32 = frame.readInteger(endianness: .little)
            else { exit(EX_SOFTWARE) }
            let start = total == 0 ? 0 : csandbox_processor_time()
            var inputs: [JQInput] = []
            for _ in 0..<count {
                guard let input = JQInput(&frame, JQVariables(rawValue: variables)) else { exit(EX_SOFTWARE) }
                inputs.append(input)
            }
            guard let items: UInt32 = frame.readInteger(endianness: .little), frame.readableBytes == Int(items) * 8 else {
                exit(EX_SOFTWARE)
            }
            var answer = ByteBuffer()
            answer.writeMultipleIntegers(UInt32(0), UInt32(0), UInt32(0), endianness: .little)
            var done: UInt32 = 0
            while done < items, answer.readableBytes < WorkerFrame.answerLimit,
                done == 0 || total == 0 || csandbox_processor_time() - start < total,
                let item = frame.readMultipleIntegers(endianness: .little, as: (UInt32, UInt32).self)
            {
                guard let program = self.programs[item.0], inputs.indices.contains(Int(item.1)) else { exit(EX_SOFTWARE) }
                // The index of the input of the next item.
                let next: UInt32? = frame.getInteger(at: frame.readerIndex + 4, endianness: .little)
                done += 1
                csandbox_begin(done, limit)
                let input = inputs[Int(item.1)]
                switch program.evaluate(input, isLast: next != item.1) {
                case .success(let result): JQValue.write(result, of: input, into: &answer)
                case .failure(let error): JQValue.writeError(error.message, into: &answer)
                }
            }
            csandbox_end()
            let time = total == 0 ? 0 : UInt32(clamping: csandbox_processor_time() - start)
            answer.setInteger(done, at: answer.readerIndex + 4, endianness: .little)
            answer.setInteger(time, at: answer.readerIndex + 8, endianness: .little)
            WorkerFrame.finish(&answer)
            self.send(answer)
        }

        /// The next frame, without its length; ends the process when the program has closed the socket.
        private mutating func receive() -> ByteBuffer {
            // The previous frame, which shares these bytes, is released now.
            if self.received.readableBytes == 0, self.received.capacity > 1 << 20 { self.received = ByteBuffer() }
            self.received.discardReadBytes()
            while true {
                if let frame = self.received.readField() { return frame }
                let count = self.received.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 << 10) { room in
                    var count = -1
                    repeat { count = read(STDIN_FILENO, room.baseAddress, room.count) } while count < 0 && errno == EINTR
                    guard count > 0 else { exit(EX_OK) }
                    return count
                }
                assert(count > 0)
            }
        }

        func send(_ frame: ByteBuffer) {
            frame.withUnsafeReadableBytes { bytes in
                var sent = 0
                while sent < bytes.count {
                    let count = write(STDIN_FILENO, bytes.baseAddress! + sent, bytes.count - sent)
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { exit(EX_OK) }
                    sent += count
                }
            }
        }
    }
}
