// SPDX-License-Identifier: Apache-2.0

// estargz LAYER.tar OUT [CHUNK]: packs a layer with the reference library and prints the digest of
// its table of contents and the diff id.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/containerd/stargz-snapshotter/estargz"
)

func main() {
	layer, err := os.Open(os.Args[1])
	check(err)
	info, err := layer.Stat()
	check(err)
	options := []estargz.Option{estargz.WithPrioritizedFiles([]string{"bin/busybox"})}
	if len(os.Args) > 3 {
		chunk, err := strconv.Atoi(os.Args[3])
		check(err)
		options = append(options, estargz.WithChunkSize(chunk), estargz.WithMinChunkSize(chunk))
	}
	blob, err := estargz.Build(io.NewSectionReader(layer, 0, info.Size()), options...)
	check(err)
	out, err := os.Create(os.Args[2])
	check(err)
	_, err = io.Copy(out, blob)
	check(err)
	check(blob.Close())
	fmt.Println(blob.TOCDigest(), blob.DiffID())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
