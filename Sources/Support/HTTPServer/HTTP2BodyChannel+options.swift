import NIOCore

/// The options that a handler may read and set.
extension HTTP2BodyChannel: NIOSynchronousChannelOptions {
    var syncOptions: (any NIOSynchronousChannelOptions)? { self }

    /// Sets the water marks; forwards options of the socket to the connection.
    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
        if let waterMark = value as? ChannelOptions.Types.WriteBufferWaterMark {
            self.state.value.waterMark = waterMark
            self.updateWritability()
        } else if option is ChannelOptions.Types.SocketOption {
            try self.stream.parent?.syncOptions?.setOption(option, value: value)
        } else {
            throw ChannelError.operationUnsupported
        }
    }

    func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
        let value: Any? =
            switch option {
            case is ChannelOptions.Types.WriteBufferWaterMarkOption: self.state.value.waterMark
            case is ChannelOptions.Types.BufferedWritableBytesOption: self.state.value.waiting
            case is ChannelOptions.Types.AutoReadOption: true
            case is ChannelOptions.Types.SocketOption: try self.stream.parent?.syncOptions?.getOption(option)
            default: nil
            }
        guard let value = value as? Option.Value else { throw ChannelError.operationUnsupported }
        return value
    }

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        self.eventLoop.submit { try self.setOption(option, value: value) as Void }
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        self.eventLoop.submit { try self.getOption(option) as Option.Value }
    }
}
