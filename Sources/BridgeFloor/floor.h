#pragma once
#include <stddef.h>
#include <stdint.h>

/// One end of a transfer, as the command line names it: `sse:PORT:PATH:READERS`, `mqtt:PORT:TOPIC:QOS`, `redis:PORT:CHANNEL`,
/// `http:PORT:PATH:CONNECTIONS`. All peers are on 127.0.0.1.
struct end {
    enum { END_SSE, END_MQTT, END_REDIS, END_HTTP } kind;
    int port;
    char name[256];
    int number;
};

/// Reads an end, or says what is wrong with it and exits.
struct end parse_end(const char *text);

/// A connected, non-blocking TCP socket with no delay, or exits.
int connect_to(int port);

/// A listening, non-blocking TCP socket, or exits.
int listen_on(int port);

/// Says what failed and exits with 1.
void die(const char *what);

/// The bare transfer: no event model, no routing, no log; the least that a program on the same libraries can do.
int serve(struct end from, struct end to);

/// Publishes `count` messages with at most `outstanding` not yet received by every reader, until all are received.
int load(struct end publish, struct end receive, long count, long outstanding);

/// Opens streams and keeps them open, idle, until a signal ends it.
int hold(struct end receive);
