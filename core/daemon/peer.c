/* SPDX-License-Identifier: Apache-2.0 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/daemon/peer.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/json.h"

static void describe_unix(int sock, struct buf *out)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0) {
		buf_adds(out, "{\"transport\":\"unix\"}");
		return;
	}
	buf_addf(out, "{\"transport\":\"unix\",\"uid\":%u,\"gid\":%u,\"pid\":%d}", who.uid, who.gid,
		 who.pid);
}

void peer_describe(int sock, enum peer_security security, const char *certificate,
		   struct buf *out)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);
	char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
	auto_json struct json_object *subject = NULL;

	if (getpeername(sock, (struct sockaddr *)&address, &size) == 0 &&
	    address.ss_family == AF_UNIX) {
		describe_unix(sock, out);
		return;
	}
	getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	buf_addf(out, "{\"transport\":\"%s\",\"address\":\"%s:%s\"",
		 security == PEER_TLS ? "tls" : "tcp", host, port);
	subject = certificate ? json_object_new_string(certificate) : NULL;
	if (subject) {
		buf_addf(out, ",\"certificate\":%s", json_text(subject));
	}
	buf_addc(out, '}');
}
