/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <json-c/json.h>

#include "bench/plugin/http.h"
#include "helpers/io.h"

/* Reads a message with its body; the length of all, or 0. */
static size_t read_message(int sock, char *data, size_t room, char **ret_body)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(sock, data + len, room - len - 1);
		char *end, *length;

		if (n <= 0) {
			return 0;
		}
		len += (size_t)n;
		data[len] = '\0';
		end = strstr(data, "\r\n\r\n");
		length = end ? strcasestr(data, "content-length:") : NULL;
		if (length && len >= (size_t)(end + 4 - data) + strtoul(length + 15, NULL, 10)) {
			*ret_body = end + 4;
			return len;
		}
	}
}

static void *serve_connection(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.plugins.v1.1+json\r\n"
				     "Content-Length: 50\r\n\r\n"
				     "{\"Mountpoint\":\"/var/lib/volumes/data\",\"Err\":\"\"}   \n";
	int sock = (int)(intptr_t)arg;
	char data[4096];
	char *body;

	while (read_message(sock, data, sizeof(data), &body)) {
		struct json_object *o = json_tokener_parse(body);

		json_object_put(o);
		if (write_all(sock, answer, sizeof(answer) - 1) < 0) {
			break;
		}
	}
	close(sock);
	return NULL;
}

pid_t http_serve(const char *path)
{
	int listener = unix_listen(path, 0600);
	pid_t pid = fork();

	if (pid == 0) {
		for (;;) {
			int sock = accept(listener, NULL, NULL);
			pthread_t thread;

			if (sock < 0 || pthread_create(&thread, NULL, serve_connection, (void *)(intptr_t)sock)) {
				_exit(1);
			}
			pthread_detach(thread);
		}
	}
	close(listener);
	return pid;
}

int http_connect(const char *path)
{
	return unix_connect(path);
}

int http_request(int sock)
{
	static const char request[] = "POST /VolumeDriver.Mount HTTP/1.1\r\nHost: plugin\r\nUser-Agent: Go-http-client/1.1\r\n"
				      "Content-Length: 30\r\nAccept: application/vnd.docker.plugins.v1.2+json\r\n"
				      "Content-Type: application/json\r\n\r\n{\"Name\":\"data\",\"ID\":\"0123456\"}";
	struct json_object *o;
	char data[4096];
	char *body;

	if (write_all(sock, request, sizeof(request) - 1) < 0 || !read_message(sock, data, sizeof(data), &body)) {
		return -1;
	}
	o = json_tokener_parse(body);
	json_object_put(o);
	return o ? 0 : -1;
}
