"""A department that wants to know which orders are paid; without a name, a screen that shows them."""

import os
import signal
import sys

import pika

parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.exchange_declare(exchange="paid", exchange_type="fanout", durable=True)

# ANCHOR: queue
name = sys.argv[1] if len(sys.argv) > 1 else None
if name:
    queue = f"paid.{name}"
    channel.queue_declare(queue=queue, durable=True)
else:
    declared = channel.queue_declare(queue="", exclusive=True)
    queue = declared.method.queue  # the broker has made up a name
channel.queue_bind(queue=queue, exchange="paid")
# ANCHOR_END: queue
name = name or "screen"


def paid(channel, method, properties, body):
    print(f"{name}: {body.decode(errors='replace')} is paid", flush=True)
    channel.basic_ack(delivery_tag=method.delivery_tag)


channel.basic_qos(prefetch_count=10)
channel.basic_consume(queue=queue, on_message_callback=paid)

stopped = False


def stop(*_):
    global stopped
    stopped = True
    connection.add_callback_threadsafe(channel.stop_consuming)


signal.signal(signal.SIGINT, stop)  # CTRL+C
signal.signal(signal.SIGTERM, stop)
print(f"{name} waits for paid orders. Press CTRL+C to leave.", flush=True)
channel.start_consuming()
if not stopped:
    raise SystemExit("the broker cancelled our subscription")
connection.close()
