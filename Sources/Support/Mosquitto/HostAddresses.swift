import CMosquitto
import Glibc

/// The numeric addresses of a host, best first, as the system resolves them.
enum HostAddresses {
    /// Blocks while the name is resolved.
    ///
    /// - Throws: ``MosquittoFailure`` when there are none.
    static func resolve(_ host: String) throws -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, nil, &hints, &list)
        guard failure == 0 else { throw MosquittoFailure("resolving \(host)", MOSQ_ERR_EAI, system: failure) }
        defer { freeaddrinfo(list) }
        var result: [String] = []
        var next = list
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let info = entry.pointee
            if getnameinfo(info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 {
                let address = text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
                if !result.contains(address) { result.append(address) }
            }
            next = info.ai_next
        }
        return result
    }
}
