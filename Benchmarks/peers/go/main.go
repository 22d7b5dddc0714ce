// The peer in Go: net/http as it comes, no modules from outside.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

func milliseconds(r *http.Request) int {
	n, _ := strconv.Atoi(r.URL.Query().Get("ms"))
	return n
}

// block stops the thread, as a blocking call through C would. time.Sleep would only park the goroutine.
func block(d time.Duration) {
	left := syscall.NsecToTimespec(int64(d))
	for {
		request := left
		if err := syscall.Nanosleep(&request, &left); err != syscall.EINTR {
			return
		}
	}
}

//go:noinline
func run(steps int) uint64 {
	x := uint64(0x9E3779B97F4A7C15) + uint64(steps)
	for i := 0; i < steps; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// calibrate measures a fixed amount of work on the idle core. Every peer burns CPU by this rule.
func calibrate() int {
	const steps = 1000000
	best := time.Second
	for i := 0; i < 50; i++ {
		start := time.Now()
		run(steps)
		if took := time.Since(start); took < best {
			best = took
		}
	}
	return int(float64(steps) * float64(time.Millisecond) / float64(best))
}

func main() {
	port := flag.Int("port", 8080, "")
	static := flag.String("static", ".", "")
	flag.Parse()
	perMillisecond := calibrate()

	hello := []byte("hello")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write(hello)
	})
	http.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir(*static))))
	http.HandleFunc("/block", func(w http.ResponseWriter, r *http.Request) {
		block(time.Duration(milliseconds(r)) * time.Millisecond)
		w.Write([]byte("done"))
	})
	http.HandleFunc("/cpu", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, run(milliseconds(r)*perMillisecond))
	})
	log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), nil))
}
