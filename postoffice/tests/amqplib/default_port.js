// Some of amqplib's tests leave the port out, which means 5672 on `localhost`. The broker of a test listens on a free
// port instead: the one in `URL`, for which 5672 stands here.
'use strict';

const net = require('net');
const connect = net.connect;
const broker = new URL(process.env.URL);

net.connect = function (options, ...rest) {
  if (options.port === 5672) {
    const host = options.host === undefined || options.host === 'localhost' ? broker.hostname : options.host;
    options = { ...options, host, port: Number(broker.port) };
  }
  return connect.call(this, options, ...rest);
};
