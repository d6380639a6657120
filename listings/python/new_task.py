"""The shop: puts an order to pack into the queue `packing`. Each dot at its end stands for a second of work."""

import os
import sys

import pika

parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.queue_declare(queue="packing", durable=True)

order = sys.argv[1] if len(sys.argv) > 1 else "lamp.."
# ANCHOR: publish
channel.basic_publish(
    exchange="",
    routing_key="packing",
    body=order.encode(),
    properties=pika.BasicProperties(delivery_mode=2),  # persistent
)
# ANCHOR_END: publish
print(f"To pack: {order}", flush=True)
connection.close()
