"""A packer: takes orders from the queue `packing`, and acknowledges each when it is packed."""

import os
import signal

import pika


# ANCHOR: pack
def pack(channel, method, properties, body):
    order = body.decode(errors="replace")
    again = " (redelivered)" if method.redelivered else ""
    print(f"Packing {order}{again}", flush=True)
    connection.sleep(order.count("."))  # not time.sleep, which answers no heartbeats
    print(f"Packed {order}", flush=True)
    channel.basic_ack(delivery_tag=method.delivery_tag)
# ANCHOR_END: pack


parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.queue_declare(queue="packing", durable=True)

# ANCHOR: consume
channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue="packing", on_message_callback=pack)
# ANCHOR_END: consume

# ANCHOR: stop
stopped = False


def stop(*_):
    global stopped
    stopped = True
    connection.add_callback_threadsafe(channel.stop_consuming)


signal.signal(signal.SIGINT, stop)  # CTRL+C
signal.signal(signal.SIGTERM, stop)
print("Waiting for orders. Press CTRL+C to leave.", flush=True)
channel.start_consuming()
if not stopped:
    raise SystemExit("the broker cancelled our subscription")
connection.close()
# ANCHOR_END: stop
