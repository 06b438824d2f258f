import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { DomainError } from '../../errors/domain-error';
import { maySee } from '../../http/caller';
import { queryOf } from '../../http/route-table';
import { isModelName } from '../../models/repository/model-name';

const MOST = 1000;

/** The query of a call that lists models. */
export function ApiPage(): MethodDecorator {
  return applyDecorators(
    ApiQuery({
      name: 'limit',
      required: false,
      description: `Models of one page, 1 to ${MOST}; all of them when left out.`,
      schema: { type: 'integer', minimum: 1, maximum: MOST },
    }),
    ApiQuery({
      name: 'cursor',
      required: false,
      description: 'Where the page begins: the next cursor of the one before.',
      schema: { type: 'string' },
    }),
  );
}

/** A part of a list of models. */
export interface ModelPage<T> {
  readonly models: readonly T[];
  /** Begins the next one; undefined where this is the last. */
  readonly next: string | undefined;
}

/**
 * The models that the caller may see, or the part of them that the query asks for.
 * @param all in the order of their names
 * @throws invalid_request
 */
export function modelPage<T extends { readonly name: string }>(
  all: readonly T[],
  req: IncomingMessage,
): ModelPage<T> {
  return pageOf(
    all.filter(({ name }) => maySee(req, name)),
    req.url,
  );
}

/**
 * The part of a list that a call's query asks for, all of it where it asks for none. Pages go by names: a model that
 * comes or goes meanwhile makes none of the others appear twice, or not at all.
 * @param models in the order of their names
 * @throws invalid_request
 */
export function pageOf<T extends { readonly name: string }>(
  models: readonly T[],
  url: string | undefined,
): ModelPage<T> {
  const query = queryOf(url ?? '');
  const limit = limitOf(onlyOne(query, 'limit'));
  const cursor = cursorOf(onlyOne(query, 'cursor'));
  const from = cursor === undefined ? 0 : models.findIndex(({ name }) => name > cursor);
  if (from === -1) return { models: [], next: undefined };
  const page = models.slice(from, from + limit);
  const isLast = from + page.length >= models.length;
  return { models: page, next: isLast ? undefined : page.at(-1)?.name };
}

function onlyOne(query: URLSearchParams, name: string): string | null {
  const given = query.getAll(name);
  if (given.length <= 1) return given[0] ?? null;
  throw new DomainError('invalid_request', `Expected "${name}" once, got it ${given.length} times.`);
}

function limitOf(text: string | null): number {
  if (text === null) return Infinity;
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST) return limit;
  throw new DomainError(
    'invalid_request',
    `Expected "limit" to be a whole number from 1 to ${MOST}, got "${text.slice(0, 40)}".`,
  );
}

/** The name of the last model of the page before. */
function cursorOf(text: string | null): string | undefined {
  if (text === null) return undefined;
  if (isModelName(text)) return text;
  throw new DomainError(
    'invalid_request',
    `Expected "cursor" to be the next_cursor of an earlier answer, got "${text.slice(0, 40)}".`,
  );
}
