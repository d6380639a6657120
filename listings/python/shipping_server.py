"""Says what shipping costs: answers each request in the queue `shipping`, a weight in grams."""

import os
import signal

import pika

parameters = pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672"))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.queue_declare(queue="shipping", durable=True)


def price(grams):
    """5.00, and 1.50 for each kilogram begun. For a heavy parcel we ask the carrier, which takes a while."""
    if not (grams.isascii() and grams.isdigit()):
        raise ValueError("this is no weight in whole grams")
    grams = int(grams)
    if grams >= 10_000:
        connection.sleep(2)
    cents = 500 + 150 * -(-grams // 1000)
    return f"{cents // 100}.{cents % 100:02}"


# ANCHOR: answer
def answer(channel, method, asked, body):
    request = body.decode(errors="replace")
    try:
        reply = price(request)
    except ValueError as error:
        reply = f"error: {error}"
    print(f"{request}: {reply}", flush=True)
    if asked.reply_to:
        channel.basic_publish(
            exchange="",
            routing_key=asked.reply_to,
            body=reply.encode(),
            properties=pika.BasicProperties(correlation_id=asked.correlation_id),
        )
    channel.basic_ack(delivery_tag=method.delivery_tag)
# ANCHOR_END: answer


channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue="shipping", on_message_callback=answer)

stopped = False


def stop(*_):
    global stopped
    stopped = True
    connection.add_callback_threadsafe(channel.stop_consuming)


signal.signal(signal.SIGINT, stop)  # CTRL+C
signal.signal(signal.SIGTERM, stop)
print("Waiting for requests. Press CTRL+C to leave.", flush=True)
channel.start_consuming()
if not stopped:
    raise SystemExit("the broker cancelled our subscription")
connection.close()
