"""The producer: sends one message to the queue `hello`."""

import os

import pika

# ANCHOR: connect
parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
# ANCHOR_END: connect

# ANCHOR: declare
channel.queue_declare(queue="hello", durable=True)
# ANCHOR_END: declare

# ANCHOR: publish
text = "Life is short, I use Python!"
channel.basic_publish(exchange="", routing_key="hello", body=text.encode())
print(f"Sent: {text}")
# ANCHOR_END: publish

# ANCHOR: close
connection.close()
# ANCHOR_END: close
