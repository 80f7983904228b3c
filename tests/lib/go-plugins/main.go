// SPDX-License-Identifier: Apache-2.0

// A volume plugin and an authorization plugin on Docker's own library for plugin authors
// (github.com/docker/go-plugins-helpers), which speaks the protocol for them.
//
//	go-plugins volume SOCKET FOLDER
//	go-plugins authz SOCKET WORD    denies requests whose body has the word
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/docker/go-plugins-helpers/authorization"
	"github.com/docker/go-plugins-helpers/volume"
)

type folders struct {
	sync.Mutex
	root   string
	mounts map[string]map[string]bool
}

func (f *folders) path(name string) string { return filepath.Join(f.root, name) }

func (f *folders) need(name string) error {
	if _, err := os.Stat(f.path(name)); err != nil {
		return errors.New("no volume " + name)
	}
	return nil
}

func (f *folders) Create(r *volume.CreateRequest) error {
	if r.Options["mode"] == "broken" {
		return errors.New("mode broken is asked for")
	}
	return os.MkdirAll(f.path(r.Name), 0755)
}

func (f *folders) List() (*volume.ListResponse, error) {
	entries, err := os.ReadDir(f.root)
	answer := &volume.ListResponse{}
	for _, e := range entries {
		answer.Volumes = append(answer.Volumes, &volume.Volume{Name: e.Name(), Mountpoint: f.path(e.Name())})
	}
	return answer, err
}

func (f *folders) Get(r *volume.GetRequest) (*volume.GetResponse, error) {
	if err := f.need(r.Name); err != nil {
		return nil, err
	}
	f.Lock()
	defer f.Unlock()
	return &volume.GetResponse{Volume: &volume.Volume{Name: r.Name, Mountpoint: f.path(r.Name),
		Status: map[string]interface{}{"users": len(f.mounts[r.Name])}}}, nil
}

func (f *folders) Remove(r *volume.RemoveRequest) error {
	f.Lock()
	defer f.Unlock()
	if len(f.mounts[r.Name]) > 0 {
		return fmt.Errorf("volume %s is mounted", r.Name)
	}
	return os.RemoveAll(f.path(r.Name))
}

func (f *folders) Path(r *volume.PathRequest) (*volume.PathResponse, error) {
	return &volume.PathResponse{Mountpoint: f.path(r.Name)}, f.need(r.Name)
}

func (f *folders) Mount(r *volume.MountRequest) (*volume.MountResponse, error) {
	f.Lock()
	defer f.Unlock()
	if f.mounts[r.Name] == nil {
		f.mounts[r.Name] = map[string]bool{}
	}
	f.mounts[r.Name][r.ID] = true
	return &volume.MountResponse{Mountpoint: f.path(r.Name)}, f.need(r.Name)
}

func (f *folders) Unmount(r *volume.UnmountRequest) error {
	f.Lock()
	defer f.Unlock()
	delete(f.mounts[r.Name], r.ID)
	return nil
}

func (f *folders) Capabilities() *volume.CapabilitiesResponse {
	return &volume.CapabilitiesResponse{Capabilities: volume.Capability{Scope: "local"}}
}

type censor string

func (c censor) AuthZReq(r authorization.Request) authorization.Response {
	if strings.Contains(string(r.RequestBody), string(c)) {
		return authorization.Response{Msg: "the body has the word " + string(c)}
	}
	return authorization.Response{Allow: true}
}

func (c censor) AuthZRes(r authorization.Request) authorization.Response {
	if r.ResponseStatusCode == 0 {
		return authorization.Response{Msg: "there is no status"}
	}
	return authorization.Response{Allow: true}
}

func main() {
	var err error
	switch os.Args[1] {
	case "volume":
		err = volume.NewHandler(&folders{root: os.Args[3], mounts: map[string]map[string]bool{}}).ServeUnix(os.Args[2], 0)
	case "authz":
		err = authorization.NewHandler(censor(os.Args[3])).ServeUnix(os.Args[2], 0)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
