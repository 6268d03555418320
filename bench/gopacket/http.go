// SPDX-License-Identifier: Apache-2.0

// http reads HTTP off a capture as gopacket's examples do: tcpassembly and net/http, a goroutine a stream.
//
// usage: http FILE.pcap
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcap"
	"github.com/google/gopacket/tcpassembly"
	"github.com/google/gopacket/tcpassembly/tcpreader"
)

var requests, responses, bodies int64
var running sync.WaitGroup

type factory struct{}

func (factory) New(network, transport gopacket.Flow) tcpassembly.Stream {
	reader := tcpreader.NewReaderStream()
	running.Add(1)
	go follow(&reader, transport.Src().String() == "80")
	return &reader
}

func follow(reader *tcpreader.ReaderStream, server bool) {
	defer running.Done()
	buffered := bufio.NewReader(reader)
	for {
		var body io.ReadCloser
		if server {
			response, err := http.ReadResponse(buffered, nil)
			if err != nil {
				break
			}
			atomic.AddInt64(&responses, 1)
			body = response.Body
		} else {
			request, err := http.ReadRequest(buffered)
			if err != nil {
				break
			}
			atomic.AddInt64(&requests, 1)
			body = request.Body
		}
		n, _ := io.Copy(io.Discard, body)
		atomic.AddInt64(&bodies, n)
		body.Close()
	}
	io.Copy(io.Discard, buffered)
}

func main() {
	handle, err := pcap.OpenOffline(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer handle.Close()
	assembler := tcpassembly.NewAssembler(tcpassembly.NewStreamPool(factory{}))
	packets := 0
	var last time.Time
	for {
		data, info, err := handle.ReadPacketData()
		if err != nil {
			break
		}
		packets++
		packet := gopacket.NewPacket(data, handle.LinkType(), gopacket.DecodeOptions{Lazy: true, NoCopy: true})
		tcp, ok := packet.TransportLayer().(*layers.TCP)
		if !ok {
			continue
		}
		assembler.AssembleWithTimestamp(packet.NetworkLayer().NetworkFlow(), tcp, info.Timestamp)
		if info.Timestamp.Sub(last) > time.Minute {
			assembler.FlushOlderThan(info.Timestamp.Add(-2 * time.Minute))
			last = info.Timestamp
		}
	}
	assembler.FlushAll()
	running.Wait()
	fmt.Println(packets, "packets,", requests, "requests,", responses, "responses,", bodies, "body bytes")
}
