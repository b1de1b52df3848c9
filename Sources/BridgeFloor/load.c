#include "floor.h"
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/// Where `states` says that a descriptor carries requests.
#define IS_POST 255

static long received, sent;
static int readers = 1;

static void on_mqtt(struct mosquitto *client, void *context, const struct mosquitto_message *message) {
    (void)client, (void)context, (void)message;
    received++;
}

static struct mosquitto *mqtt_client(int port) {
    struct mosquitto *client = mosquitto_new(NULL, true, NULL);
    mosquitto_threaded_set(client, true);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_max_inflight_messages_set(client, 0);
    if (mosquitto_connect(client, "127.0.0.1", port, 60) != MOSQ_ERR_SUCCESS) die("mqtt connect");
    while (mosquitto_want_write(client)) mosquitto_loop_write(client, 1);
    if (mosquitto_loop_read(client, 1) != MOSQ_ERR_SUCCESS) die("mqtt read");
    fcntl(mosquitto_socket(client), F_SETFL, O_NONBLOCK);
    return client;
}

static void turn_mqtt(struct mosquitto *client) {
    char byte;
    while (recv(mosquitto_socket(client), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
        if (mosquitto_loop_read(client, 1) != MOSQ_ERR_SUCCESS) die("mqtt read");
    }
    while (mosquitto_want_write(client)) mosquitto_loop_write(client, 1);
    mosquitto_loop_misc(client);
}

/// Counts the lines that begin with `data: ` in what one reader gets, wherever its pieces end.
static void count_lines(int descriptor, unsigned char *state) {
    static char buffer[256 << 10];
    static const char line[] = "\ndata: ";
    ssize_t count;
    while ((count = recv(descriptor, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
        for (ssize_t index = 0; index < count; index++) {
            if (buffer[index] == line[*state]) {
                if (++*state == sizeof line - 1) {
                    received++;
                    *state = 0;
                }
            } else {
                *state = buffer[index] == '\n';
            }
        }
    }
    if (count == 0) die("a stream ended");
}

/// Opens every reader's stream and waits until each has its first bytes.
static void open_streams(struct end receive, int poll, unsigned char *states) {
    char request[512], drained[4096];
    struct epoll_event event = {.events = EPOLLIN}, events[1024];
    int size = snprintf(
        request, sizeof request, "GET %s HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n", receive.name);
    for (int index = 0; index < receive.number; index++) {
        event.data.fd = connect_to(receive.port);
        send(event.data.fd, request, size, 0);
        epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
    }
    for (int seen = 0; seen < receive.number;) {
        int ready = epoll_wait(poll, events, 1024, 10000);
        if (ready <= 0) die("the streams did not start");
        for (int index = 0; index < ready; index++) {
            int descriptor = events[index].data.fd;
            if (states[descriptor] == 0) seen++;
            states[descriptor] = 1;
            if (recv(descriptor, drained, sizeof drained, MSG_DONTWAIT) == 0) die("a stream ended");
        }
    }
}

int hold(struct end receive) {
    open_streams(receive, epoll_create1(0), calloc(1 << 17, 1));
    printf("held\n");
    fflush(stdout);
    pause();
    return 0;
}

/// Ids differ from run to run: streambridge takes an event that it has delivered before for one that goes in circles.
static size_t message(char *bytes, long number) {
    static unsigned long run;
    if (run == 0) run = (unsigned long)getpid() ^ (unsigned long)time(NULL) << 20;
    return sprintf(
        bytes,
        "{\"id\":\"msg_%016lx%012ld\",\"title\":\"Door\",\"message\":\"the front door is open\",\"priority\":4,\"tags\":[\"door\",\"home\"],"
        "\"timestamp\":\"2026-01-15T10:00:00.000Z\",\"payload\":{\"state\":\"open\",\"battery\":87}}",
        run, number);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int load(struct end publish, struct end receive, long count, long outstanding) {
    mosquitto_lib_init();
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN}, events[1024];
    unsigned char *states = calloc(1 << 17, 1);
    struct mosquitto *mqtt_in = NULL, *mqtt_out = NULL;
    redisContext *redis_in = NULL, *redis_out = NULL;
    int posts[256], free_posts = 0;
    char bytes[1024], request[2048];
#define WATCH(socket) (event.data.fd = (socket), (void)epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event))
    if (receive.kind == END_SSE) {
        readers = receive.number;
        open_streams(receive, poll, states);
        memset(states, 1, 1 << 17);
    } else if (receive.kind == END_MQTT) {
        mqtt_in = mqtt_client(receive.port);
        mosquitto_message_callback_set(mqtt_in, on_mqtt);
        mosquitto_subscribe(mqtt_in, NULL, receive.name, receive.number);
        while (mosquitto_want_write(mqtt_in)) mosquitto_loop_write(mqtt_in, 1);
        WATCH(mosquitto_socket(mqtt_in));
        epoll_wait(poll, events, 1, 2000);
    } else {
        redis_in = redisConnect("127.0.0.1", receive.port);
        freeReplyObject(redisCommand(redis_in, "SUBSCRIBE %s", receive.name));
        fcntl(redis_in->fd, F_SETFL, O_NONBLOCK);
        redis_in->flags &= ~REDIS_BLOCK;
        WATCH(redis_in->fd);
    }
    if (publish.kind == END_MQTT) WATCH(mosquitto_socket(mqtt_out = mqtt_client(publish.port)));
    if (publish.kind == END_REDIS) {
        redis_out = redisConnectNonBlock("127.0.0.1", publish.port);
        WATCH(redis_out->fd);
    }
    if (publish.kind == END_HTTP) {
        for (; free_posts < publish.number && free_posts < 256; free_posts++) {
            WATCH(posts[free_posts] = connect_to(publish.port));
            states[posts[free_posts]] = IS_POST;
        }
    }
    double start = now(), progress = start;
    while (received < count * readers) {
        while (sent < count && sent - received / readers < outstanding && (publish.kind != END_HTTP || free_posts > 0)) {
            size_t length = message(bytes, ++sent);
            if (mqtt_out != NULL) {
                mosquitto_publish(mqtt_out, NULL, publish.name, (int)length, bytes, publish.number, false);
            } else if (redis_out != NULL) {
                const char *words[] = {"PUBLISH", publish.name, bytes};
                size_t lengths[] = {7, strlen(publish.name), length};
                redisAppendCommandArgv(redis_out, 3, words, lengths);
            } else {
                int size = snprintf(
                    request, sizeof request,
                    "POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", publish.name,
                    length, bytes);
                send(posts[--free_posts], request, size, 0);
            }
        }
        if (redis_out != NULL) {
            int done = 0;
            while (!done) redisBufferWrite(redis_out, &done);
        }
        if (mqtt_out != NULL) turn_mqtt(mqtt_out);
        int ready = epoll_wait(poll, events, 1024, 100);
        long before = received;
        for (int index = 0; index < ready; index++) {
            int descriptor = events[index].data.fd;
            redisContext *redis = redis_in != NULL && descriptor == redis_in->fd    ? redis_in
                                  : redis_out != NULL && descriptor == redis_out->fd ? redis_out
                                                                                     : NULL;
            if (redis != NULL) {
                if (redisBufferRead(redis) != REDIS_OK) die("redis read");
                void *reply = NULL;
                while (redisGetReplyFromReader(redis, &reply) == REDIS_OK && reply != NULL) {
                    if (redis == redis_in) received++;
                    freeReplyObject(reply);
                }
            } else if (mqtt_in != NULL && descriptor == mosquitto_socket(mqtt_in)) {
                turn_mqtt(mqtt_in);
            } else if (mqtt_out != NULL && descriptor == mosquitto_socket(mqtt_out)) {
                turn_mqtt(mqtt_out);
            } else if (states[descriptor] == IS_POST) {
                char answer[4096];
                ssize_t size = recv(descriptor, answer, sizeof answer, MSG_DONTWAIT);
                if (size < 12 || (memcmp(answer + 9, "200", 3) != 0 && memcmp(answer + 9, "201", 3) != 0)) die("a request was refused");
                posts[free_posts++] = descriptor;
            } else {
                count_lines(descriptor, &states[descriptor]);
            }
        }
        if (received > before) progress = now();
        if (now() - progress > 15) {
            fprintf(stderr, "bridge-floor: %ld of %ld received, then nothing for 15 s\n", received, count * readers);
            return 1;
        }
    }
    printf("%ld messages, %d readers, %.3f s\n", count, readers, now() - start);
    return 0;
}
