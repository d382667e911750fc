// The peer in Node: follows the file from its offset, one JSON object a row, QoS 1.
//
//   node node_bridge.js FILE mqtt://user:password@host:port TOPIC
const fs = require("fs");
const mqtt = require("mqtt");

const [path, url, topic] = process.argv.slice(2);
const MOST_IN_FLIGHT = 5000;
const client = mqtt.connect(url);
const file = fs.openSync(path, "r");
const buffer = Buffer.alloc(64 * 1024);
let offset = 0;
let unfinished = "";
let header = null;
let inFlight = 0;

function publish(line) {
  const values = line.split(",");
  if (header === null) {
    header = values;
    return;
  }
  const row = Object.fromEntries(header.map((name, column) => [name, values[column]]));
  inFlight += 1;
  client.publish(topic, JSON.stringify(row), { qos: 1 }, () => {
    inFlight -= 1;
    if (inFlight === MOST_IN_FLIGHT - 1) readOn();
  });
}

function readOn() {
  while (inFlight < MOST_IN_FLIGHT) {
    const size = fs.readSync(file, buffer, 0, buffer.length, offset);
    if (size === 0) return;
    offset += size;
    const lines = (unfinished + buffer.toString("utf8", 0, size)).split("\n");
    unfinished = lines.pop();
    lines.forEach(publish);
  }
}

client.on("connect", readOn);
fs.watch(path, readOn);
