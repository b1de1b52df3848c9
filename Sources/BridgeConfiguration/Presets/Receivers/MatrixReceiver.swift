extension Receivers {
    static let matrix = Preset(
        "matrix", .sink,
        #"""
        # Matrix: a message in a room, shown once however often it is sent.
        # Documentation: https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
        # An event has 65,536 bytes with both forms of the text and what the server adds, so both are cut.
        # The room here is !room:matrix.example. {{ .id }} must stay at the end: a room takes each transaction once.
        # sinks:
        #   chat:
        #     preset: matrix
        #     url: https://matrix.example/_matrix/client/v3/rooms/%21room%3Amatrix.example/send/m.room.message/{{ .id }}
        #     token: ${env:MATRIX_TOKEN}
        type: webhook
        method: PUT
        json:
          msgtype: m.text
          body: { join: [{ from: .title }, { from: .message }], with: "\n", default: { from: $subject, default: (no text) }, limit_bytes: 12000, ellipsis: … }
          format: org.matrix.custom.html
          formatted_body:
            join: [{ from: .title, before: <strong>, after: </strong> }, { from: .message }]
            with: "\n"
            default: { from: $subject, default: (no text) }
            escape: html
            replace: { "\n": "<br>" }
            limit_bytes: 18000
            ellipsis: …
        """#,
        checks: [
            PresetCheck("url") { url in
                guard let send = url.firstRange(of: "/send/") else {
                    return "has no /send/; end it with /send/m.room.message/{{ .id }} behind the room"
                }
                let names = url[send.upperBound...].split(separator: "/", maxSplits: 1)
                let isOwn = names.last?.replacing(" ", with: "").contains("{{.id") == true && names.count == 2
                return isOwn
                    ? nil
                    : "has no {{ .id }} at its end; write /send/m.room.message/{{ .id }}, because a room takes each transaction once"
            }
        ])
}
