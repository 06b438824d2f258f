import { Socket } from 'node:net';
import { CertificateNames, namesIn } from './certificate-names';

describe("the names in a client's certificate", () => {
  it.each([
    ['DNS:a.example', ['a.example']],
    ['DNS:a.example, DNS:b.example, IP Address:10.0.0.1', ['a.example', 'b.example', '10.0.0.1']],
    ['URI:spiffe://cluster/ns/a, email:ops@a.example', ['spiffe://cluster/ns/a', 'ops@a.example']],
    // A name that has the form of two is one: https://nodejs.org/en/blog/vulnerability/jan-2022-security-releases
    ['DNS:"a.example, DNS:b.example"', ['a.example, DNS:b.example']],
    ['URI:"spiffe://a/\\"b, DNS:c"', ['spiffe://a/"b, DNS:c']],
    ['', []],
  ])('of %s', (text, names) => expect(namesIn(text)).toEqual(names));

  it('are none without TLS', () => {
    expect(new CertificateNames().of(new Socket())).toEqual([]);
  });
});
