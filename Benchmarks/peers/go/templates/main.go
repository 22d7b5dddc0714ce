// The template engine of Go's standard library: html/template as it comes.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"log"
	"os"
	"sort"
	"strconv"
	"syscall"
)

type fortune struct {
	ID      int    `json:"id"`
	Message string `json:"message"`
}

var fortunesTemplate = template.Must(template.New("fortunes").Parse(
	`<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>` +
		`<tr><th>id</th><th>message</th></tr>` +
		`{{range .}}<tr><td>{{.ID}}</td><td>{{.Message}}</td></tr>{{end}}` +
		"</table></body></html>\n"))

var tableTemplate = template.Must(template.New("table").Parse(
	`<!DOCTYPE html><html><head><title>Table</title></head><body><table>` +
		`{{range .}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>{{end}}` +
		"</table></body></html>\n"))

func rendered(t *template.Template, data interface{}) []byte {
	var page bytes.Buffer
	if err := t.Execute(&page, data); err != nil {
		log.Fatal(err)
	}
	return page.Bytes()
}

// page is what a handler does with the rows that it got, for the fortunes: adds one, sorts them all, renders.
func page(name string, data []byte) func() []byte {
	if name == "fortunes" {
		var stored []fortune
		decode(data, &stored)
		return func() []byte {
			fortunes := make([]fortune, len(stored), len(stored)+1)
			copy(fortunes, stored)
			fortunes = append(fortunes, fortune{0, "Additional fortune added at request time."})
			sort.Slice(fortunes, func(i, j int) bool { return fortunes[i].Message < fortunes[j].Message })
			return rendered(fortunesTemplate, fortunes)
		}
	}
	var rows [][]string
	decode(data, &rows)
	return func() []byte { return rendered(tableTemplate, rows) }
}

func decode(data []byte, into interface{}) {
	if err := json.Unmarshal(data, into); err != nil {
		log.Fatal(err)
	}
}

// cpuSeconds is user and system time of all threads of this process, the garbage collector's included.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// `PAGE DATA` prints the page. `PAGE DATA SECONDS` renders it for so much CPU time and prints what it took, as JSON.
func main() {
	if len(os.Args) < 3 {
		log.Fatalf("usage: %s fortunes|table DATA [SECONDS]", os.Args[0])
	}
	data, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	render := page(os.Args[1], data)
	if len(os.Args) == 3 {
		os.Stdout.Write(render())
		return
	}
	seconds, err := strconv.ParseFloat(os.Args[3], 64)
	if err != nil {
		log.Fatal(err)
	}

	// Warms up, and learns how many renders are worth a look at the clock, which is a system call.
	warm := 0
	for began := cpuSeconds(); cpuSeconds()-began < seconds/5; warm++ {
		render()
	}
	batch := warm / 20
	if batch < 1 {
		batch = 1
	}

	renders, size, used := 0, 0, 0.0
	for began := cpuSeconds(); used < seconds; used = cpuSeconds() - began {
		for i := 0; i < batch; i++ {
			size += len(render())
		}
		renders += batch
	}
	fmt.Printf("{\"renders\": %d, \"seconds\": %g, \"bytes\": %d}\n", renders, used, size/renders)
}
