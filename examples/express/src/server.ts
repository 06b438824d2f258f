import express from 'express';
import { createNestor, DomainError, ERRORS } from 'nestor';

const nestor = await createNestor({ modelDir: process.env.MODEL_DIR ?? 'models' });
const app = express();

// Nestor's own calls, `POST /ml/inference/digits` and the rest: before anything that reads bodies.
app.use('/ml', nestor.handler);

app.post('/digit', express.raw({ type: 'image/*', limit: '5mb' }), async (req, res) => {
  const { outputs } = await nestor.infer('digits', { picture: req.body as Buffer, top_k: 1 });
  res.json(outputs.digit);
});

// What a model does not take is the client's mistake, and the message says what was expected.
app.use((error: unknown, _req: express.Request, res: express.Response, next: express.NextFunction) => {
  if (!(error instanceof DomainError)) return next(error);
  res.status(ERRORS[error.code].status).json({ code: error.code, message: error.message });
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log('listening', server.address());
});

process.once('SIGTERM', () => {
  server.close(() => void nestor.close());
});
