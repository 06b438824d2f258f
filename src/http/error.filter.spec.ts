import { Controller, Get, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ErrorFilter } from './error.filter';
import type { Router } from './router';

/** What Express' body parser makes of a fault while it reads. */
async function asBodyParserSays(fault: Promise<unknown>): Promise<never> {
  const error = (await fault.catch((thrown: unknown) => thrown)) as Error;
  // Jest's files have an Error of their own, which those of the system are none of.
  throw Object.assign(new Error(error.message), error, { status: 400 });
}

@Controller()
class Faults {
  @Get('client')
  client(): Promise<never> {
    return asBodyParserSays(Promise.reject(new SyntaxError('Unexpected token')));
  }

  @Get('system')
  system(): Promise<never> {
    return asBodyParserSays(readFile('nothing/is/here'));
  }
}

describe('ErrorFilter', () => {
  let app: INestApplication<Server>;
  let url: string;

  beforeAll(async () => {
    const router = {
      failedInExpress: () => undefined,
      report: () => undefined,
      errorBodyFor: () => (error: Error) => ({ message: error.message }),
    } as unknown as Router;
    const module = await Test.createTestingModule({ controllers: [Faults] }).compile();
    app = module.createNestApplication<INestApplication<Server>>({ logger: false });
    await app.useGlobalFilters(new ErrorFilter(router)).listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  });

  afterAll(() => app.close());

  it("calls what a parser says of a body the client's mistake", async () => {
    const answer = await fetch(`${url}/client`);
    expect([answer.status, await answer.json()]).toEqual([400, { message: 'Unexpected token' }]);
  });

  it("does not call a fault of the system the client's mistake, nor tell its paths", async () => {
    const answer = await fetch(`${url}/system`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('nothing/is/here');
  });
});
