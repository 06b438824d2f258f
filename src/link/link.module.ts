import { Global, Module } from '@nestjs/common';
import { Link } from './link.service';

/** Global: the line to the primary is one for the whole process. */
@Global()
@Module({ providers: [Link], exports: [Link] })
export class LinkModule {}
