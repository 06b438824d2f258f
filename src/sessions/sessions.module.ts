import { Module } from '@nestjs/common';
import { SessionFactory } from './session-factory';
import { THREAD_CPUS, threadCpusProvider } from './thread-cpus.provider';
import { THREAD_PLAN, threadPlanProvider } from './thread-plan.provider';

export { THREAD_CPUS, THREAD_PLAN };

@Module({
  providers: [SessionFactory, threadPlanProvider, threadCpusProvider],
  exports: [SessionFactory, THREAD_PLAN, THREAD_CPUS],
})
export class SessionsModule {}
