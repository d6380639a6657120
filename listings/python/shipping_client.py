"""Asks what shipping costs, for several parcels at once; each is a weight in grams."""

import os
import sys
import time

import pika

REPLY_TO = "amq.rabbitmq.reply-to"
PATIENCE = 5  # seconds

waiting = {str(number): weight for number, weight in enumerate(sys.argv[1:])}
if not waiting:
    raise SystemExit("say a weight in grams, for instance 1200")

parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()


# ANCHOR: replies
def reply_came(channel, method, properties, body):
    weight = waiting.pop(properties.correlation_id, None)
    if weight is not None:  # otherwise nobody waits for it any more
        print(f"{weight}: {body.decode(errors='replace')}", flush=True)


channel.basic_consume(queue=REPLY_TO, on_message_callback=reply_came, auto_ack=True)
# ANCHOR_END: replies

# ANCHOR: ask
for number, weight in waiting.items():
    properties = pika.BasicProperties(
        reply_to=REPLY_TO,
        correlation_id=number,
        expiration=str(PATIENCE * 1000),
    )
    channel.basic_publish(
        exchange="",
        routing_key="shipping",
        body=weight.encode(),
        properties=properties,
    )
# ANCHOR_END: ask

# ANCHOR: match
deadline = time.monotonic() + PATIENCE
while waiting:
    count = len(waiting)
    connection.process_data_events(time_limit=max(0, deadline - time.monotonic()))
    if len(waiting) < count:
        deadline = time.monotonic() + PATIENCE
    elif time.monotonic() >= deadline:
        raise SystemExit(f"no reply in {PATIENCE} s: is the server running?")
# ANCHOR_END: match
connection.close()
