// bridge-peer serves the same transfers as `bridge-floor serve`, written as a Go programmer would: one goroutine for each connection, net/http,
// paho for MQTT and redigo for Redis. It has no event model, no routing and no log. `deploy/compare` builds it and measures it.
//
//	bridge-peer serve FROM TO
//
// FROM and TO are sse:PORT, mqtt:PORT:TOPIC:QOS, redis:PORT:CHANNEL or http:PORT. All peers are on 127.0.0.1.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/gomodule/redigo/redis"
)

// end is one end of a transfer, as the command line names it.
type end struct {
	kind    string
	address string
	name    string
	qos     byte
}

func parseEnd(text string) end {
	parts := strings.Split(text, ":")
	if len(parts) < 2 {
		log.Fatalf("bridge-peer: '%s' is not kind:port[:name[:qos]]", text)
	}
	parsed := end{kind: parts[0], address: "127.0.0.1:" + parts[1]}
	if len(parts) > 2 {
		parsed.name = parts[2]
	}
	if len(parts) > 3 {
		qos, err := strconv.Atoi(parts[3])
		if err != nil || qos < 0 || qos > 1 {
			log.Fatalf("bridge-peer: '%s' is not a QoS of 0 or 1", parts[3])
		}
		parsed.qos = byte(qos)
	}
	return parsed
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal("bridge-peer: ", err)
	}
	return value
}

// A sink takes one message. The caller does not change the bytes afterwards.
type sink func(message []byte)

// streams sends messages to every reader of one event stream. A reader that falls behind by its buffer blocks the sender, so that nothing is lost.
type streams struct {
	mutex    sync.RWMutex
	readers  map[chan []byte]bool
	sequence int
}

func (s *streams) send(message []byte) {
	s.sequence++
	block := fmt.Appendf(make([]byte, 0, len(message)+32), "id: 1-%d\ndata: %s\n\n", s.sequence, message)
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	for reader := range s.readers {
		reader <- block
	}
}

// ServeHTTP writes all waiting blocks at once and flushes once. A block never spans two chunks of the body, because the load generator does not
// decode chunks.
func (s *streams) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	blocks := make(chan []byte, 1024)
	s.mutex.Lock()
	s.readers[blocks] = true
	s.mutex.Unlock()
	response.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(response, ": connected\n\n")
	flusher := response.(http.Flusher)
	flusher.Flush()
	var batch []byte
	for {
		select {
		case <-request.Context().Done():
			go func() {
				for range blocks {
				}
			}()
			s.mutex.Lock()
			delete(s.readers, blocks)
			s.mutex.Unlock()
			close(blocks)
			return
		case block := <-blocks:
			batch = append(batch[:0], block...)
			for len(blocks) > 0 && len(batch) < 64<<10 {
				batch = append(batch, <-blocks...)
			}
			response.Write(batch)
			flusher.Flush()
		}
	}
}

func mqttClient(peer end) mqtt.Client {
	options := mqtt.NewClientOptions().AddBroker("tcp://" + peer.address).SetOrderMatters(true)
	client := mqtt.NewClient(options)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal("bridge-peer: ", token.Error())
	}
	return client
}

func openSink(to end) sink {
	switch to.kind {
	case "sse":
		all := &streams{readers: map[chan []byte]bool{}}
		go func() { log.Fatal(http.ListenAndServe(to.address, all)) }()
		return all.send
	case "mqtt":
		client := mqttClient(to)
		return func(message []byte) { client.Publish(to.name, to.qos, false, message) }
	case "redis":
		connection := must(redis.Dial("tcp", to.address))
		messages := make(chan []byte, 1024)
		go func() {
			for message := range messages {
				connection.Send("PUBLISH", to.name, message)
				if len(messages) == 0 {
					connection.Flush()
				}
			}
		}()
		go func() {
			for {
				must(connection.Receive())
			}
		}()
		return func(message []byte) { messages <- message }
	}
	log.Fatalf("bridge-peer: cannot send to '%s'", to.kind)
	return nil
}

func serve(from end, out sink) {
	switch from.kind {
	case "mqtt":
		token := mqttClient(from).Subscribe(from.name, from.qos, func(_ mqtt.Client, message mqtt.Message) { out(message.Payload()) })
		if token.Wait() && token.Error() != nil {
			log.Fatal("bridge-peer: ", token.Error())
		}
		select {}
	case "redis":
		subscription := redis.PubSubConn{Conn: must(redis.Dial("tcp", from.address))}
		if err := subscription.Subscribe(from.name); err != nil {
			log.Fatal("bridge-peer: ", err)
		}
		for {
			switch received := subscription.Receive().(type) {
			case redis.Message:
				out(received.Data)
			case error:
				log.Fatal("bridge-peer: ", received)
			}
		}
	case "http":
		var mutex sync.Mutex
		handler := func(response http.ResponseWriter, request *http.Request) {
			body, err := io.ReadAll(request.Body)
			if err != nil {
				return
			}
			mutex.Lock()
			out(body)
			mutex.Unlock()
			response.Header().Set("Content-Type", "application/json")
			io.WriteString(response, "{}")
		}
		log.Fatal(http.ListenAndServe(from.address, http.HandlerFunc(handler)))
	}
	log.Fatalf("bridge-peer: cannot read from '%s'", from.kind)
}

func main() {
	if len(os.Args) != 4 || os.Args[1] != "serve" {
		fmt.Fprintln(os.Stderr, "usage: bridge-peer serve FROM TO")
		os.Exit(64)
	}
	serve(parseEnd(os.Args[2]), openSink(parseEnd(os.Args[3])))
}
