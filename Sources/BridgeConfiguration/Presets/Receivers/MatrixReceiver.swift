extension Receivers {
    static let matrix = Preset(
        "matrix", .sink,
        #"""
        # Matrix: a message in a room, shown once however often it is sent.
        # Documentation: https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
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
          body: { join: [{ from: .title }, { from: .message }], with: "\n" }
          format: org.matrix.custom.html
          formatted_body:
            join: [{ from: .title, before: <strong>, after: </strong> }, { from: .message }]
            with: "\n"
            escape: html
            replace: { "\n": "<br>" }
        """#)
}
