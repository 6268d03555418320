// SPDX-License-Identifier: Apache-2.0

// layers decodes a capture with gopacket's fastest way, DecodingLayerParser, over libpcap. It keeps no flows.
//
// usage: layers FILE.pcap
package main

import (
	"fmt"
	"os"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcap"
)

func main() {
	handle, err := pcap.OpenOffline(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer handle.Close()
	var ethernet layers.Ethernet
	var tag layers.Dot1Q
	var ip4 layers.IPv4
	var ip6 layers.IPv6
	var tcp layers.TCP
	var udp layers.UDP
	var payload gopacket.Payload
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &ethernet, &tag, &ip4, &ip6, &tcp, &udp, &payload)
	parser.IgnoreUnsupported = true
	decoded := make([]gopacket.LayerType, 0, 8)
	packets, withTCP, withUDP, wrong := 0, 0, 0, 0
	for {
		data, _, err := handle.ZeroCopyReadPacketData()
		if err != nil {
			break
		}
		packets++
		if parser.DecodeLayers(data, &decoded) != nil {
			wrong++
		}
		for _, layer := range decoded {
			switch layer {
			case layers.LayerTypeTCP:
				withTCP++
			case layers.LayerTypeUDP:
				withUDP++
			}
		}
	}
	fmt.Println(packets, "packets,", withTCP, "tcp,", withUDP, "udp,", wrong, "not decoded")
}
