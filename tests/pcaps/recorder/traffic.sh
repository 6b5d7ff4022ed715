# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The servers (serve_*, before the capture starts) and what their clients do (use_*, captured).
# Everything they need (certificate, keys, pages, configuration) is made under $PLACE on the fly.

HOST=www.example.org

serve_web()
{
	mkdir "$PLACE/www"
	seq -f 'line %g of the page' 40 >"$PLACE/www/index.html"
	seq -f 'var v%g = "weir";' 200 >"$PLACE/www/app.js"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj "/O=Example/CN=$HOST" -addext "subjectAltName=DNS:$HOST" \
		-keyout "$PLACE/key.pem" -out "$PLACE/cert.pem" 2>"$PLACE/openssl.log" || return
	nginx_config >"$PLACE/nginx.conf"
	start nginx nginx -p "$PLACE" -c "$PLACE/nginx.conf"
	await_port t 443 nginx
}

nginx_config()
{
	cat <<-EOF
	daemon off; master_process off; pid $PLACE/nginx.pid; error_log stderr; user root;
	events { }
	http {
		access_log off; types { text/html html; application/javascript js; }
		client_body_temp_path $PLACE/body; proxy_temp_path $PLACE/proxy;
		fastcgi_temp_path $PLACE/fastcgi; uwsgi_temp_path $PLACE/uwsgi;
		scgi_temp_path $PLACE/scgi;
		server {
			listen 80; listen [::]:80; listen 8080 http2; listen 443 ssl http2;
			server_name $HOST; root $PLACE/www;
			ssl_certificate $PLACE/cert.pem; ssl_certificate_key $PLACE/key.pem;
			ssl_protocols TLSv1.2 TLSv1.3;
		}
	}
	EOF
}

# fetch ADDRESS PORT CURL-ARGUMENTS...
fetch()
{
	local address=$1 port=$2
	shift 2
	in_client curl -sS --cacert "$PLACE/cert.pem" --resolve "$HOST:$port:$address" "$@"
}

use_http1()
{
	fetch "$PEER4" 80 "http://$HOST/" "http://$HOST/app.js" "http://$HOST/missing" &&
		fetch "$PEER4" 80 -d 'name=weir' "http://$HOST/"
}

use_http1_v6() { fetch "[$PEER6]" 80 "http://$HOST/" "http://$HOST/app.js"; }
use_h2c() { fetch "$PEER4" 8080 --http2-prior-knowledge "http://$HOST:8080/app.js"; }

use_h2() { fetch "$PEER4" 443 --http2 "https://$HOST/" "https://$HOST/app.js"; }
use_tls12() { fetch "$PEER4" 443 --http1.1 --tls-max 1.2 "https://$HOST/app.js"; }
use_tls13() { fetch "$PEER4" 443 --http1.1 --tlsv1.3 "https://$HOST/app.js"; }

serve_ssh()
{
	ssh-keygen -q -t ed25519 -N '' -C host -f "$PLACE/host_key" &&
		ssh-keygen -q -t ed25519 -N '' -C user -f "$PLACE/user_key" || return
	cat >"$PLACE/sshd.conf" <<-EOF
	HostKey $PLACE/host_key
	AuthorizedKeysFile $PLACE/user_key.pub
	PermitRootLogin prohibit-password
	PidFile none
	StrictModes no
	UsePAM no
	EOF
	start sshd "$(command -v sshd)" -D -e -f "$PLACE/sshd.conf"
	await_port t 22 sshd
}

use_ssh()
{
	in_client ssh -F none -i "$PLACE/user_key" -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o "UserKnownHostsFile=$PLACE/known_hosts" "root@$PEER4" 'seq 500'
}

serve_dns()
{
	start dnsmasq dnsmasq -k -C /dev/null --no-resolv --no-hosts --user=root --pid-file= \
		--log-facility=- --listen-address="$PEER4" --bind-interfaces --local=/example.org/ \
		--host-record="$HOST,192.0.2.2,2001:db8::2" --cname="web.example.org,$HOST" \
		--mx-host=example.org,mail.example.org,10 --txt-record=example.org,v=spf1,-all \
		"--txt-record=large.example.org,$(printf '%0200d,%0200d,%0200d,%0200d' 1 2 3 4)"
	await_port u 53 dnsmasq
}

ask() { in_client dig "@$PEER4" +tries=1 +time=5 "$@"; }

use_dns_udp()
{
	ask "$HOST" A && ask "$HOST" AAAA && ask example.org MX && ask web.example.org A &&
		ask example.org TXT && ask nothing.example.org A
}

use_dns_tcp()
{
	ask +tcp "$HOST" A && ask +tcp +keepopen "$HOST" A "$HOST" AAAA &&
		ask +noedns large.example.org TXT
}

serve_mqtt()
{
	printf '%s\n' 'listener 1883' 'allow_anonymous true' 'persistence false' 'user root' \
		>"$PLACE/mqtt.conf"
	start mosquitto mosquitto -c "$PLACE/mqtt.conf"
	await_port t 1883 mosquitto
}

use_mqtt()
{
	local qos subscriber
	in_client mosquitto_sub -h "$PEER4" -i subscriber -q 2 -t 'sensors/#' -C 3 &
	subscriber=$!
	sleep 0.5
	for qos in 0 1 2; do
		in_client mosquitto_pub -h "$PEER4" -i "publisher$qos" -q "$qos" -t sensors/level \
			-m "{\"qos\":$qos,\"level\":1.5}" || return
	done
	wait "$subscriber"
}

serve_redis()
{
	start redis redis-server --port 6379 --bind "$PEER4" --protected-mode no --save '' \
		--dir "$PLACE" --daemonize no
	await_port t 6379 redis-server
}

use_redis()
{
	in_client redis-cli -h "$PEER4" SET river weir &&
		in_client redis-cli -h "$PEER4" -r 3 INCR level &&
		in_client redis-cli -h "$PEER4" LPUSH list a b c &&
		printf 'GET river\r\nLRANGE list 0 -1\r\nPING\r\n' |
		in_client redis-cli -h "$PEER4" --pipe
}

# PostgreSQL refuses to run as root.
AS_POSTGRES=(setpriv --reuid=postgres --regid=postgres --clear-groups)

serve_postgres()
{
	id postgres &>/dev/null || { echo "no user postgres; install postgresql" >&2; return 1; }
	echo secret >"$PLACE/password"
	install -d -o postgres -g postgres -m 700 "$PLACE/data"
	"${AS_POSTGRES[@]}" initdb -D "$PLACE/data" -U weir --no-sync --locale=C \
		--auth=scram-sha-256 --pwfile="$PLACE/password" >"$PLACE/initdb.log" 2>&1 || return
	echo 'host all all 192.0.2.0/24 scram-sha-256' >>"$PLACE/data/pg_hba.conf"
	start postgres "${AS_POSTGRES[@]}" "$(command -v postgres)" -D "$PLACE/data" \
		-h "$PEER4" -k '' -F
	await_port t 5432 postgres
}

use_postgres()
{
	PGPASSWORD=secret in_client psql -X \
		"host=$PEER4 user=weir dbname=postgres sslmode=disable" \
		-c 'CREATE TABLE gauge (id int, level float8)' \
		-c 'INSERT INTO gauge SELECT i, i / 10.0 FROM generate_series(1, 50) i' \
		-c 'SELECT * FROM gauge' -c 'SELECT * FROM nothing'
	[ $? -le 1 ] # 1: the last statement fails, as it shall
}

serve_ntp()
{
	printf '%s\n' 'local stratum 8' 'allow all' 'cmdport 0' 'bindcmdaddress /' \
		"pidfile $PLACE/server.pid" >"$PLACE/chrony.conf"
	start chronyd chronyd -x -d -u root -f "$PLACE/chrony.conf"
	await_port u 123 chronyd
}

# -Q prints the offset and leaves the clock alone.
use_ntp()
{
	in_client chronyd -x -Q -u root -t 10 "server $PEER4 iburst" 'cmdport 0' \
		'bindcmdaddress /' "pidfile $PLACE/client.pid"
}

serve_dhcp()
{
	start dnsmasq dnsmasq -k -C /dev/null --port=0 --user=root --pid-file= --log-facility=- \
		--no-ping --interface=eth0 --dhcp-range=192.0.2.100,192.0.2.120,1h \
		--dhcp-leasefile="$PLACE/leases" --dhcp-option=3,192.0.2.2 --domain=example.org
	await_port u 67 dnsmasq
}

# The client releases its lease when it is ended.
use_dhcp()
{
	cat >"$PLACE/lease.sh" <<-EOF
	#!/bin/sh
	[ "\$1" = bound ] || exit 0
	ip addr add "\$ip/\$mask" dev "\$interface" && ping -c 1 192.0.2.2 && touch "$PLACE/leased"
	EOF
	chmod +x "$PLACE/lease.sh"
	in_client timeout 2 busybox udhcpc -i eth0 -f -n -R -x hostname:station -s "$PLACE/lease.sh"
	[ -e "$PLACE/leased" ]
}

use_ping4() { in_client ping -n -c 2 -i 0.2 "$PEER4" && in_client ping -n -c 1 -s 1392 "$PEER4"; }
use_ping6() { in_client ping -n -c 2 -i 0.2 "$PEER6"; }

# Nothing listens on the discard port: the answer is an ICMP error.
use_closed_port() { in_client bash -c "echo anybody >/dev/udp/$PEER4/9"; }

serve_sctp()
{
	start socat socat SCTP4-LISTEN:5000,fork,reuseaddr PIPE
	await in_server grep -q ' 5000 ' /proc/net/sctp/eps
}

# An SCTP association cannot be closed by half: stay until the echo has come.
use_sctp()
{
	{ seq 300; sleep 0.5; } | in_client socat - "SCTP4:$PEER4:5000" &&
		{ seq 20; sleep 0.5; } | in_client socat - "SCTP4:$PEER4:5000"
}

serve_echo()
{
	start echo4 socat -b 9000 UDP4-RECVFROM:7000,fork PIPE
	start echo6 socat -b 9000 UDP6-RECVFROM:7001,fork,ipv6only PIPE
	await_port u 7000 socat && await_port u 7001 socat
}

# send_datagrams TARGET: one of 8,000 and one of 3,000 bytes, and stay until the echo has come.
send_datagrams()
{
	local size
	for size in 8000 3000; do
		{ printf '%0*d' $size 1; sleep 0.5; } |
			in_client socat -b 9000 -t 0 - "$1,sourceport=40000" || return
	done
}

use_datagrams4() { send_datagrams "UDP4:$PEER4:7000"; }
use_datagrams6() { send_datagrams "UDP6:[$PEER6]:7001"; }
