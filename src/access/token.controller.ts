import { Body, Controller, Header, HttpCode, Inject, Post, Req } from '@nestjs/common';
import {
  ApiBody,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { type AccessConfig, accessConfig } from '../config/config.slices';
import { DomainError } from '../errors/domain-error';
import { callerOf } from '../http/caller';
import { AccessService } from './access.service';
import type { Identity } from './credentials/credentials';
import { isScope } from './scopes';
import { Visit } from './visit';

const MINUTE_MS = 60_000;
const MAX_SCOPES = 64;

export class TokenRequest {
  /** What the token is to allow, with spaces between; all that the key allows when left out. */
  @ApiPropertyOptional({ example: 'infer:iris models:read' })
  scope?: string;
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-5.1 */
export class TokenResponse {
  access_token: string;

  @ApiProperty({ example: 'Bearer' })
  token_type: string;

  /** In seconds. */
  expires_in: number;

  scope: string;
}

@ApiTags('access')
@Controller('auth')
export class TokenController {
  constructor(
    @Inject(accessConfig.KEY) private readonly config: AccessConfig,
    private readonly access: AccessService,
  ) {}

  /** A token that is worth what the API key is worth, for a short time: for whoever is not to have the key itself. */
  @Post('token')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Make a token from an API key' })
  @ApiBody({ type: TokenRequest, required: false })
  @ApiResponse({ status: 200, type: TokenResponse })
  @ApiResponse({ status: 400, description: 'The scopes are none, or more than the key has.' })
  @ApiResponse({ status: 401, description: 'No API key, or one that is not known.' })
  @ApiResponse({ status: 403, description: 'A token was sent instead of an API key.' })
  @ApiResponse({ status: 409, description: 'There is no SECRET_KEY to sign tokens with.' })
  async make(@Req() req: IncomingMessage, @Body() body: unknown): Promise<TokenResponse> {
    const caller = callerOf(req);
    if (!(caller instanceof Visit) || caller.identity === undefined)
      throw new DomainError('unauthorized', 'A token is made from an API key, and none was sent.');
    const { identity } = caller;
    const scopes = scopesOf(body, identity);
    const nowMs = Date.now();
    const expiresAtMs = Math.min(
      nowMs + this.config.accessTokenExpireMinutes * MINUTE_MS,
      identity.expiresAtMs,
    );
    return {
      access_token: await this.access.directory.makeToken(identity, scopes, expiresAtMs),
      token_type: 'Bearer',
      expires_in: Math.floor((expiresAtMs - nowMs) / 1000),
      scope: scopes.join(' '),
    };
  }
}

/** @throws invalid_request for anything but no body, `{}` and `{"scope": "<scopes that the key has>"}` */
function scopesOf(body: unknown, { grants }: Identity): readonly string[] {
  if (body === undefined || body === null) return grants.scopes;
  const { scope, ...rest } = body as Record<string, unknown>;
  if (typeof body !== 'object' || Array.isArray(body) || Object.keys(rest).length > 0)
    throw new DomainError(
      'invalid_request',
      'Expected {"scope": "<scopes with spaces between>"}, or {} for all that the key has.',
    );
  if (scope === undefined) return grants.scopes;
  const asked = typeof scope === 'string' ? scope.split(' ').filter((word) => word !== '') : [];
  if (asked.length === 0 || asked.length > MAX_SCOPES || !asked.every(isScope))
    throw new DomainError(
      'invalid_request',
      `"scope": expected 1 to ${MAX_SCOPES} scopes with spaces between.`,
    );
  const more = asked.find((word) => !grants.cover(word));
  if (more !== undefined)
    throw new DomainError(
      'invalid_request',
      `"scope": the key does not have ${more}, so no token of it can.`,
    );
  return asked;
}
