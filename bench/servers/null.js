/**
 * Floor of the load generator: reads requests without looking at them and gives a fixed answer, to see how much a
 * request costs the generator and how many it can send. Argument: the length of a request in bytes.
 */
const net = require('node:net');

const requestBytes = Number(process.argv[2]);
const BODY =
  '{"model_name":"tiny","outputs":[{"name":"y","datatype":"FP32","shape":[1,3],"data":[0.1,0.2,0.7]}]}';
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
);

const server = net.createServer({ noDelay: true }, (socket) => {
  let received = 0;
  socket.on('data', (bytes) => {
    received += bytes.length;
    for (; received >= requestBytes; received -= requestBytes) socket.write(ANSWER);
  });
  socket.on('error', () => socket.destroy());
});
server.listen(Number(process.env.PORT), '127.0.0.1');
