/** Whether all is well, as the doctor, the instances and the configuration tell it; and where else it is told. */
import type { PageProps } from '../app.tsx'
import { ConfigPanel } from '../ui/health/config.tsx'
import { DoctorPanel } from '../ui/health/doctor.tsx'
import { ElsewherePanel } from '../ui/health/elsewhere.tsx'
import { InstancesPanel } from '../ui/health/instances.tsx'

export const HealthPage = ({ place }: PageProps) => (
  <div class="health-page">
    <div class="stack">
      <InstancesPanel />
      <DoctorPanel />
    </div>
    <div class="stack">
      <ConfigPanel text={place.query.get('text') ?? ''} />
      <ElsewherePanel />
    </div>
  </div>
)
