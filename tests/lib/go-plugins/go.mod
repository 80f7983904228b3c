module gantry/tests/go-plugins

go 1.19

require (
	github.com/coreos/go-systemd v0.0.0-20191104093116-d3cd4ed1dbcf
	github.com/docker/go-connections v0.4.0
	github.com/docker/go-plugins-helpers v0.0.0-20240701071450-45e2431495c8
	golang.org/x/net v0.10.0
)
