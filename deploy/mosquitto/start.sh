#!/bin/sh
# Give the broker its users, of whose passwords the file holds only salted hashes, and start it.
# Arguments: further configuration files of this folder, such as tls.conf.
set -eu
umask 077
cd /mosquitto/config

add_user() {
    printf '%s:%s\n' "$1" "$2" >> /tmp/passwords
}

: > /tmp/passwords
add_user bridge "$MQTT_BRIDGE_PASSWORD"
add_user alerter "$MQTT_ALERTER_PASSWORD"
add_user recorder "$MQTT_RECORDER_PASSWORD"
add_user notifier "$MQTT_NOTIFIER_PASSWORD"
add_user viewer "$MQTT_VIEWER_PASSWORD"
unset MQTT_BRIDGE_PASSWORD MQTT_ALERTER_PASSWORD MQTT_RECORDER_PASSWORD
unset MQTT_NOTIFIER_PASSWORD MQTT_VIEWER_PASSWORD

# The health check's password never leaves the container: mosquitto_sub reads it from this file.
password=$(cat /proc/sys/kernel/random/uuid)
add_user healthcheck "$password"
printf '%s\n' '--username healthcheck' "--pw $password" > /tmp/mosquitto_sub
unset password

mosquitto_passwd -U /tmp/passwords
cat mosquitto.conf "$@" > /tmp/mosquitto.conf
exec mosquitto -c /tmp/mosquitto.conf
