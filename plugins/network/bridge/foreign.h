/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other firewalls of the host.  A packet passes only when every table accepts it, and Docker
 * and firewalld drop forwarded packets that they do not know; so a bridge is made known to
 * them.  gantry's own table decides what passes.
 */
#ifndef BRIDGE_FOREIGN_H
#define BRIDGE_FOREIGN_H

struct bridge_driver;

/* Accepts the bridge's forwarded packets: two rules in DOCKER-USER, or FORWARD, of
 * iptables' nftables tables where these exist and their policy or Docker could drop them; the zone
 * trusted of a running firewalld.  What cannot be done is logged: the
 * network works without other firewalls. */
void foreign_allow(const struct bridge_driver *d, const char *bridge);

/* Takes the rules back. */
void foreign_withdraw(const struct bridge_driver *d, const char *bridge);

#endif
