import type { OpenAPIObject } from '@nestjs/swagger';

// The package keeps these to itself, but its document type is made of them.
export type PathItemObject = OpenAPIObject['paths'][string];
export type ResponsesObject = NonNullable<PathItemObject['post']>['responses'];
type SchemaOrReference = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];
export type SchemaObject = Exclude<SchemaOrReference, { $ref: string }>;
export type ParameterObject = Extract<NonNullable<PathItemObject['parameters']>[number], { name: string }>;
type ResponseObject = Exclude<NonNullable<ResponsesObject[string]>, { $ref: string }>;
export type HeadersObject = NonNullable<ResponseObject['headers']>;
