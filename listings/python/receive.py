"""The consumer: prints each message that reaches the queue `hello`, until CTRL+C."""

import os

import pika


# ANCHOR: print
def print_message(channel, method, properties, body):
    print(f"Received: {body.decode(errors='replace')}", flush=True)
# ANCHOR_END: print


parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.queue_declare(queue="hello", durable=True)

# ANCHOR: consume
channel.basic_consume(queue="hello", on_message_callback=print_message, auto_ack=True)
# ANCHOR_END: consume

# ANCHOR: wait
try:
    print("Waiting for messages. Press CTRL+C to leave.", flush=True)
    channel.start_consuming()
    raise SystemExit("the broker cancelled our subscription")
except KeyboardInterrupt:
    connection.close()
# ANCHOR_END: wait
