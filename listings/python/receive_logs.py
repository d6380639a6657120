"""Shows the reports of these levels."""

import os
import signal
import sys

import pika

levels = sys.argv[1:]
if not levels:
    raise SystemExit(f"say which levels, for instance: python {sys.argv[0]} error")

parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.exchange_declare(exchange="logs", exchange_type="direct", durable=True)

# ANCHOR: bind
queue = channel.queue_declare(queue="", exclusive=True).method.queue
for level in levels:
    channel.queue_bind(queue=queue, exchange="logs", routing_key=level)
# ANCHOR_END: bind


def show(channel, method, properties, body):
    print(f"[{method.routing_key}] {body.decode(errors='replace')}", flush=True)
    channel.basic_ack(delivery_tag=method.delivery_tag)


channel.basic_qos(prefetch_count=10)
channel.basic_consume(queue=queue, on_message_callback=show)

stopped = False


def stop(*_):
    global stopped
    stopped = True
    connection.add_callback_threadsafe(channel.stop_consuming)


signal.signal(signal.SIGINT, stop)  # CTRL+C
signal.signal(signal.SIGTERM, stop)
print(f"Waiting for {', '.join(levels)}. Press CTRL+C to leave.", flush=True)
channel.start_consuming()
if not stopped:
    raise SystemExit("the broker cancelled our subscription")
connection.close()
