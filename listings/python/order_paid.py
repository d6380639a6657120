"""The shop: tells everybody who wants to know that an order is paid."""

import os
import sys

import pika

parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
# ANCHOR: publish
channel.exchange_declare(exchange="paid", exchange_type="fanout", durable=True)

order = sys.argv[1] if len(sys.argv) > 1 else "order-1"
channel.basic_publish(
    exchange="paid",
    routing_key="",  # a fanout exchange doesn't read it
    body=order.encode(),
    properties=pika.BasicProperties(delivery_mode=2),  # persistent
)
# ANCHOR_END: publish
print(f"Paid: {order}", flush=True)
connection.close()
