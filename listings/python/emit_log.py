"""A program of the shop: reports what happens to it, with the level as the routing key."""

import os
import sys

import pika

parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
# ANCHOR: publish
channel.exchange_declare(exchange="logs", exchange_type="direct", durable=True)

level = sys.argv[1] if len(sys.argv) > 1 else "info"
text = sys.argv[2] if len(sys.argv) > 2 else "printer ready"
channel.basic_publish(exchange="logs", routing_key=level, body=text.encode())
# ANCHOR_END: publish
print(f"Sent [{level}] {text}", flush=True)
connection.close()
