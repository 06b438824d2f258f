import { Module } from '@nestjs/common';
import { SessionFactory } from './session-factory';
import { THREAD_PLAN, threadPlanProvider } from './thread-plan.provider';

export { THREAD_PLAN };

@Module({
  providers: [SessionFactory, threadPlanProvider],
  exports: [SessionFactory, THREAD_PLAN],
})
export class SessionsModule {}
