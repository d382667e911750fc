#!/bin/sh
# A CA of your own, and with it the broker's certificate: certificates.sh FOLDER NAME...
# The names are those by which clients call the broker, host names or IP addresses. Run it again for
# a new certificate: the CA stays. DAYS says how long the certificate is good.
set -eu
umask 077
[ $# -ge 2 ] || {
    echo "usage: certificates.sh FOLDER NAME..." >&2
    exit 2
}
folder=$1
shift

names=
for name in "$@"; do
    case $name in
        *:*) names=$names,IP:$name ;;
        *[!0-9.]*) names=$names,DNS:$name ;;
        *) names=$names,IP:$name ;;
    esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/extensions" <<END
[req]
distinguished_name = subject
[subject]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = ${names#,}
END

new_key() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}

mkdir -p "$folder/broker"
if ! [ -e "$folder/ca.key" ]; then
    new_key "$work/ca.key"
    openssl req -x509 -new -key "$work/ca.key" -days 3650 -subj "/CN=citywx broker CA" \
        -config "$work/extensions" -extensions ca -out "$folder/ca.crt"
    mv "$work/ca.key" "$folder/ca.key"
fi
new_key "$work/server.key"
openssl req -new -key "$work/server.key" -subj "/CN=citywx broker" -config "$work/extensions" \
    -out "$work/request"
openssl x509 -req -in "$work/request" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" \
    -set_serial "0x$(openssl rand -hex 16)" -days "${DAYS:-397}" -extfile "$work/extensions" \
    -extensions server -out "$work/server.crt" 2> "$work/errors" || {
    cat "$work/errors" >&2
    exit 1
}
mv "$work/server.key" "$work/server.crt" "$folder/broker/"
chmod 755 "$folder" "$folder/broker"
chmod 644 "$folder/ca.crt" "$folder/broker/server.crt"
