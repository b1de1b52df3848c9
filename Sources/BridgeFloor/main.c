#include "floor.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void die(const char *what) {
    fprintf(stderr, "bridge-floor: %s: %s\n", what, errno ? strerror(errno) : "failed");
    exit(1);
}

struct end parse_end(const char *text) {
    struct end end = {.number = 1};
    char kind[16] = "";
    if (sscanf(text, "%15[a-z]:%d:%255[^:]:%d", kind, &end.port, end.name, &end.number) < 2) {
        fprintf(stderr, "bridge-floor: '%s' is not kind:port[:name[:number]]\n", text);
        exit(64);
    }
    const char *kinds[] = {"sse", "mqtt", "redis", "http"};
    for (int index = 0; index < 4; index++) {
        if (strcmp(kind, kinds[index]) == 0) {
            end.kind = index;
            return end;
        }
    }
    fprintf(stderr, "bridge-floor: '%s' is not one of sse, mqtt, redis, http\n", kind);
    exit(64);
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int connect_to(int port) {
    struct sockaddr_in address = loopback(port);
    int one = 1, descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

int listen_on(int port) {
    struct sockaddr_in address = loopback(port);
    int one = 1, descriptor = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
    if (listen(descriptor, 4096) != 0) die("listen");
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    if (count == 4 && strcmp(arguments[1], "serve") == 0) return serve(parse_end(arguments[2]), parse_end(arguments[3]));
    if (count == 6 && strcmp(arguments[1], "load") == 0) {
        return load(parse_end(arguments[2]), parse_end(arguments[3]), atol(arguments[4]), atol(arguments[5]));
    }
    if (count == 3 && strcmp(arguments[1], "hold") == 0) return hold(parse_end(arguments[2]));
    fprintf(stderr, "usage: bridge-floor serve FROM TO | load PUBLISH RECEIVE COUNT OUTSTANDING | hold STREAMS\n");
    return 64;
}
