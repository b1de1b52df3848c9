import CMosquitto
import COpenSSL

/// The libraries behind MQTT connections, for reports.
package enum MosquittoLibrary {
    /// The version of libmosquitto, such as `2.0.11`.
    package static var version: String {
        var (major, minor, revision): (Int32, Int32, Int32) = (0, 0, 0)
        mosquitto_lib_version(&major, &minor, &revision)
        return "\(major).\(minor).\(revision)"
    }

    /// The version of OpenSSL, such as `3.0.17`.
    package static var openSSLVersion: String {
        // `OpenSSL 3.0.17 1 Jul 2025`.
        let text = String(cString: OpenSSL_version(OPENSSL_VERSION))
        return text.split(separator: " ").dropFirst().first.map(String.init) ?? text
    }
}
