import { ERROR_CODES, type ErrorMeaning, ERRORS } from './domain-error';

describe('the table of errors', () => {
  it.each(ERROR_CODES)(
    'counts %s as what its status says, and logs what is the fault of this server',
    (code) => {
      const { status, outcome, level }: ErrorMeaning = ERRORS[code];
      expect(status).toBeGreaterThanOrEqual(400);
      // 501: the client asks for what nobody has promised.
      expect(['client_error', 'rejected', 'cancelled'].includes(outcome)).toBe(
        status < 500 || status === 501 || status === 503,
      );
      expect(status === 500 && level === 'silent').toBe(false);
    },
  );
});
