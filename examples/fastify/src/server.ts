import Fastify from 'fastify';
import { createNestor, DomainError, ERRORS } from 'nestor';

const nestor = await createNestor({ modelDir: process.env.MODEL_DIR ?? 'models' });
const app = Fastify();

// Nestor's own calls, `POST /ml/inference/digits` and the rest: it answers them itself, before Fastify reads a body.
app.addHook('onRequest', (request, reply, done) => {
  if (!request.raw.url?.startsWith('/ml/')) return done();
  request.raw.url = request.raw.url.slice('/ml'.length);
  reply.hijack();
  nestor.handler(request.raw, reply.raw);
});

app.addContentTypeParser(/^image\//, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

app.post('/digit', async (request) => {
  const { outputs } = await nestor.infer('digits', { picture: request.body, top_k: 1 });
  return outputs.digit;
});

// What a model does not take is the client's mistake, and the message says what was expected.
app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof DomainError)) return reply.send(error);
  return reply.status(ERRORS[error.code].status).send({ code: error.code, message: error.message });
});

app.addHook('onClose', () => nestor.close());

await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
console.log('listening', app.server.address());

process.once('SIGTERM', () => void app.close());
