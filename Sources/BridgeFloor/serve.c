#include "floor.h"
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH_LIMIT (4 << 20)

static struct end target;
static char batch[BATCH_LIMIT];
static size_t batched;
static int readers[16384];
static int reader_count;
static struct mosquitto *mqtt_out;
static redisContext *redis_out;
static long sequence;

/// Hands on what was batched: one send to each reader.
static void flush_batch(void) {
    if (target.kind == END_SSE && batched > 0) {
        for (int index = 0; index < reader_count; index++) {
            size_t sent = 0;
            while (sent < batched) {
                ssize_t count = send(readers[index], batch + sent, batched - sent, 0);
                if (count < 0 && errno != EAGAIN) break;
                if (count > 0) sent += count;
            }
        }
        batched = 0;
    }
    if (redis_out != NULL) {
        int done = 0;
        while (!done) redisBufferWrite(redis_out, &done);
    }
    if (mqtt_out != NULL) {
        while (mosquitto_want_write(mqtt_out)) mosquitto_loop_write(mqtt_out, 1);
    }
}

/// Takes one message.
static void take(const char *bytes, size_t length) {
    if (target.kind == END_SSE) {
        if (batched + length + 64 > BATCH_LIMIT) flush_batch();
        batched += sprintf(batch + batched, "id: 1-%ld\ndata: ", ++sequence);
        memcpy(batch + batched, bytes, length);
        batched += length;
        memcpy(batch + batched, "\n\n", 2);
        batched += 2;
    } else if (target.kind == END_MQTT) {
        mosquitto_publish(mqtt_out, NULL, target.name, (int)length, bytes, target.number, false);
    } else {
        const char *words[] = {"PUBLISH", target.name, bytes};
        size_t lengths[] = {7, strlen(target.name), length};
        redisAppendCommandArgv(redis_out, 3, words, lengths);
    }
}

static void on_mqtt(struct mosquitto *client, void *context, const struct mosquitto_message *message) {
    (void)client, (void)context;
    take(message->payload, message->payloadlen);
}

static struct mosquitto *mqtt_client(int port) {
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new(NULL, true, NULL);
    mosquitto_threaded_set(client, true);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    if (mosquitto_connect(client, "127.0.0.1", port, 60) != MOSQ_ERR_SUCCESS) die("mqtt connect");
    while (mosquitto_want_write(client)) mosquitto_loop_write(client, 1);
    fcntl(mosquitto_socket(client), F_SETFL, O_NONBLOCK);
    return client;
}

/// One turn of a client that only publishes: its acknowledgements.
static void read_mqtt(struct mosquitto *client) {
    for (int turn = 0; turn < 256; turn++) {
        char byte;
        if (recv(mosquitto_socket(client), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) break;
        if (mosquitto_loop_read(client, 1) != MOSQ_ERR_SUCCESS) die("mqtt read");
    }
    mosquitto_loop_misc(client);
}

static void read_http(int descriptor) {
    static char request[1 << 20];
    ssize_t count = recv(descriptor, request, sizeof request - 1, MSG_DONTWAIT);
    if (count == 0) close(descriptor);
    if (count <= 0) return;
    request[count] = 0;
    char *body = strstr(request, "\r\n\r\n");
    if (body == NULL) return;
    take(body + 4, count - (body + 4 - request));
    flush_batch();
    const char answer[] = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    send(descriptor, answer, sizeof answer - 1, 0);
}

int serve(struct end from, struct end to) {
    target = to;
    int poll = epoll_create1(0), listener = -1, requests = -1;
    struct epoll_event event = {.events = EPOLLIN}, events[256];
    struct mosquitto *mqtt_in = NULL;
    redisContext *redis_in = NULL;
#define WATCH(socket) (event.data.fd = (socket), (void)epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event))
    if (to.kind == END_SSE) WATCH(listener = listen_on(to.port));
    if (to.kind == END_MQTT) WATCH(mosquitto_socket(mqtt_out = mqtt_client(to.port)));
    if (to.kind == END_REDIS) {
        redis_out = redisConnectNonBlock("127.0.0.1", to.port);
        WATCH(redis_out->fd);
    }
    if (from.kind == END_HTTP) WATCH(requests = listen_on(from.port));
    if (from.kind == END_MQTT) {
        mqtt_in = mqtt_client(from.port);
        mosquitto_message_callback_set(mqtt_in, on_mqtt);
        while (mosquitto_loop_read(mqtt_in, 1) == MOSQ_ERR_SUCCESS && mosquitto_subscribe(mqtt_in, NULL, from.name, from.number)) {}
        while (mosquitto_want_write(mqtt_in)) mosquitto_loop_write(mqtt_in, 1);
        WATCH(mosquitto_socket(mqtt_in));
    }
    if (from.kind == END_REDIS) {
        redis_in = redisConnect("127.0.0.1", from.port);
        freeReplyObject(redisCommand(redis_in, "SUBSCRIBE %s", from.name));
        fcntl(redis_in->fd, F_SETFL, O_NONBLOCK);
        redis_in->flags &= ~REDIS_BLOCK;
        WATCH(redis_in->fd);
    }
    for (;;) {
        int ready = epoll_wait(poll, events, 256, 1000);
        for (int index = 0; index < ready; index++) {
            int descriptor = events[index].data.fd;
            if (descriptor == listener) {
                int reader, one = 1;
                while ((reader = accept(listener, NULL, NULL)) >= 0) {
                    const char head[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: connected\n\n";
                    setsockopt(reader, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    fcntl(reader, F_SETFL, O_NONBLOCK);
                    send(reader, head, sizeof head - 1, 0);
                    if (reader_count < 16384) readers[reader_count++] = reader;
                }
            } else if (descriptor == requests) {
                int client, one = 1;
                while ((client = accept(requests, NULL, NULL)) >= 0) {
                    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    WATCH(client);
                }
            } else if (mqtt_in != NULL && descriptor == mosquitto_socket(mqtt_in)) {
                read_mqtt(mqtt_in);
                flush_batch();
                while (mosquitto_want_write(mqtt_in)) mosquitto_loop_write(mqtt_in, 1);
            } else if (redis_in != NULL && descriptor == redis_in->fd) {
                if (redisBufferRead(redis_in) != REDIS_OK) die("redis read");
                void *reply = NULL;
                while (redisGetReplyFromReader(redis_in, &reply) == REDIS_OK && reply != NULL) {
                    redisReply *message = reply;
                    if (message->elements == 3) take(message->element[2]->str, message->element[2]->len);
                    freeReplyObject(reply);
                }
                flush_batch();
            } else if (mqtt_out != NULL && descriptor == mosquitto_socket(mqtt_out)) {
                read_mqtt(mqtt_out);
                flush_batch();
            } else if (redis_out != NULL && descriptor == redis_out->fd) {
                if (redisBufferRead(redis_out) != REDIS_OK) die("redis read");
                void *reply = NULL;
                while (redisGetReplyFromReader(redis_out, &reply) == REDIS_OK && reply != NULL) freeReplyObject(reply);
            } else {
                read_http(descriptor);
            }
        }
    }
}
