#!/bin/sh
# Give the broker its one user, of whose password the file holds only a salted hash, and start it.
set -eu
umask 077
printf 'citywx:%s\n' "$MQTT_PASSWORD" > /tmp/passwords
mosquitto_passwd -U /tmp/passwords
unset MQTT_PASSWORD
exec mosquitto -c /mosquitto/config/mosquitto.conf
