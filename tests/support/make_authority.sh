#!/usr/bin/env bash
# Usage: make_authority.sh DIR
# Certificates and keys for tests, as PEM files in DIR: ca, and signed by it server (for 127.0.0.1 and
# localhost), elsewhere (for another host), expired (a server's, of yesterday) and client; stranger
# is a server's certificate signed by stranger-ca.
set -euo pipefail
cd "$1"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null; }
authority() {
  key "$1"
  openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 30 -out "$1.pem" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
}
# certificate NAME AUTHORITY DAYS EXTENSION
certificate() {
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "$3" \
    -extfile <(printf '%s\n' "$4") -out "$1.pem" 2>/dev/null
}
here=subjectAltName=IP:127.0.0.1,DNS:localhost

authority ca
authority stranger-ca
certificate server ca 30 "$here"
certificate elsewhere ca 30 subjectAltName=DNS:elsewhere.example
certificate expired ca -1 "$here"
certificate client ca 30 extendedKeyUsage=clientAuth
certificate stranger stranger-ca 30 "$here"
