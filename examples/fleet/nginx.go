package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// nginxConfig has a cache that every producer asks, and that keeps a key set as
// long as its Cache-Control says, unless it is asked for it anew. All of nginx is one process here, so that
// kill -9 leaves nothing of it.
const nginxConfig = `daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log %[1]s/nginx.log;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/nginx-body;
	proxy_temp_path %[1]s/nginx-proxy;
	fastcgi_temp_path %[1]s/nginx-fastcgi;
	uwsgi_temp_path %[1]s/nginx-uwsgi;
	scgi_temp_path %[1]s/nginx-scgi;
	proxy_cache_path %[1]s/nginx-cache keys_zone=keys:1m;
	upstream consumers { %[3]s }
	server {
		listen %[2]s;
		proxy_connect_timeout 1s;
		proxy_cache keys;
		proxy_cache_lock on;
		proxy_cache_key $request_uri;
		proxy_cache_bypass $http_cache_control;
		location / {
			proxy_pass http://consumers;
		}
		location /heedless/ {
			proxy_pass http://consumers/;
			proxy_cache_bypass "";
		}
	}
}
`

// nginx is a cache at the address, before the key sets of the consumers. One
// that is down is asked again next time, because it soon is up.
func nginx(dir, address string, consumers []string) (*process, error) {
	var servers strings.Builder
	for _, consumer := range consumers {
		fmt.Fprintf(&servers, "server %s max_fails=0; ", consumer)
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, address, &servers), 0o600); err != nil {
		return nil, err
	}
	return &process{
		name: "nginx",
		log:  filepath.Join(dir, "nginx.out"),
		command: func() (*exec.Cmd, error) {
			return exec.Command("nginx", "-c", config, "-e", filepath.Join(dir, "nginx.log")), nil
		},
		ready: listening(address),
	}, nil
}
