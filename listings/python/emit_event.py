"""The shop: tells what has happened to an order, with a routing key of three words."""

import os
import sys

import pika

parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
# ANCHOR: publish
channel.exchange_declare(exchange="events", exchange_type="topic", durable=True)

key = sys.argv[1] if len(sys.argv) > 1 else "order.paid.shanghai"
text = sys.argv[2] if len(sys.argv) > 2 else "order-1"
channel.basic_publish(exchange="events", routing_key=key, body=text.encode())
# ANCHOR_END: publish
print(f"Sent [{key}] {text}", flush=True)
connection.close()
